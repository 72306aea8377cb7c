// Original file: proto/toolgate/v1/registry.proto


export interface Settled {
  'callId'?: (string);
  'attempt'?: (number);
  'accepted'?: (boolean);
}

export interface Settled__Output {
  'callId': (string);
  'attempt': (number);
  'accepted': (boolean);
}
