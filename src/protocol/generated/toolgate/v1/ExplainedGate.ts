// Original file: proto/toolgate/v1/access.proto


export interface ExplainedGate {
  'gate'?: (string);
  'verdict'?: (string);
  'detail'?: (string);
  'remedy'?: (string);
  'reason'?: (string);
}

export interface ExplainedGate__Output {
  'gate': (string);
  'verdict': (string);
  'detail': (string);
  'remedy': (string);
  'reason': (string);
}
