// Original file: proto/toolgate/v1/catalog.proto


export interface QuarantinedToolset {
  'name'?: (string);
  'reason'?: (string);
}

export interface QuarantinedToolset__Output {
  'name': (string);
  'reason': (string);
}
