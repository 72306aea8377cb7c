{{- define "toolgate.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "toolgate.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "toolgate.labels" -}}
{{ include "toolgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* By which names clients ask by HTTP: the service's own, and those of the values. */}}
{{- define "toolgate.hosts" -}}
{{- $name := include "toolgate.name" . -}}
{{- $own := list $name (printf "%s.%s" $name .Release.Namespace) (printf "%s.%s.svc" $name .Release.Namespace) (printf "%s.%s.svc.%s" $name .Release.Namespace .Values.http.clusterDomain) -}}
{{- concat $own .Values.http.hosts | join "," -}}
{{- end }}

{{/* What a node is told beside its secrets: settings by variable, as JSON. */}}
{{- define "toolgate.settings" -}}
{{- $own := dict
  "TOOLGATE_LISTEN" "0.0.0.0:7400"
  "TOOLGATE_HTTP_LISTEN" "0.0.0.0:7480"
  "TOOLGATE_HTTP_HOSTS" (include "toolgate.hosts" .)
  "TOOLGATE_AUTH" .Values.auth.mode
  "TOOLGATE_OPS_LISTEN" "0.0.0.0:7481"
  "TOOLGATE_DRAIN_GRACE_MS" (.Values.drainGraceMs | int | toString)
-}}
{{- if eq .Values.auth.mode "required" }}{{ $_ := set $own "TOOLGATE_BOOTSTRAP_KEY_FILE" "/etc/toolgate/bootstrap/key" }}{{ end }}
{{- if eq .Values.auth.mode "none" }}{{ $_ := set $own "TOOLGATE_OPS_AUTH" "none" }}{{ end }}
{{- if .Values.auth.keyringSecret.name }}{{ $_ := set $own "TOOLGATE_KEYRING_FILE" "/etc/toolgate/keyring/keyring" }}{{ end }}
{{- if .Values.tls.secretName }}
{{- $_ := set $own "TOOLGATE_TLS_CERT" "/etc/toolgate/tls/tls.crt" }}
{{- $_ := set $own "TOOLGATE_TLS_KEY" "/etc/toolgate/tls/tls.key" }}
{{- if ne .Values.tls.clientAuth "none" }}
{{- $_ := set $own "TOOLGATE_TLS_CLIENT_AUTH" .Values.tls.clientAuth }}
{{- $_ := set $own "TOOLGATE_TLS_CLIENT_CA" "/etc/toolgate/tls/ca.crt" }}
{{- end }}
{{- end }}
{{- if .Values.traces.url }}
{{- $_ := set $own "TOOLGATE_TRACES" .Values.traces.url }}
{{- $_ := set $own "TOOLGATE_TRACE_RATIO" (.Values.traces.ratio | toString) }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if or (has $name (list "REDIS_URL" "TOOLGATE_LOCK_REDIS_URLS" "TOOLGATE_KEY")) (not (hasPrefix "TOOLGATE_" $name)) }}
{{- fail (printf "settings.%s: a secret, or no setting of a node. Name a Secret that has it; see values.yaml." $name) }}
{{- end }}
{{- if hasKey $own $name }}{{ fail (printf "settings.%s: the chart sets it itself; see values.yaml." $name) }}{{ end }}
{{- $_ := set $own $name ($value | toString) }}
{{- end }}
{{- $own | toJson }}
{{- end }}
