// Original file: proto/toolgate/v1/gateway.proto


export interface OutputDelta {
  'cursor'?: (string);
  'dataJson'?: (Buffer | Uint8Array | string);
  'attempt'?: (number);
}

export interface OutputDelta__Output {
  'cursor': (string);
  'dataJson': (Buffer);
  'attempt': (number);
}
