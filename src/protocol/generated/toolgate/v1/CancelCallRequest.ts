// Original file: proto/toolgate/v1/gateway.proto


export interface CancelCallRequest {
  'callId'?: (string);
}

export interface CancelCallRequest__Output {
  'callId': (string);
}
