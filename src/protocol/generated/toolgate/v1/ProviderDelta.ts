// Original file: proto/toolgate/v1/registry.proto


export interface ProviderDelta {
  'callId'?: (string);
  'attempt'?: (number);
  'dataJson'?: (Buffer | Uint8Array | string);
}

export interface ProviderDelta__Output {
  'callId': (string);
  'attempt': (number);
  'dataJson': (Buffer);
}
