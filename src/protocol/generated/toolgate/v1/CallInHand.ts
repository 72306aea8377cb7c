// Original file: proto/toolgate/v1/registry.proto


export interface CallInHand {
  'callId'?: (string);
  'attempt'?: (number);
}

export interface CallInHand__Output {
  'callId': (string);
  'attempt': (number);
}
