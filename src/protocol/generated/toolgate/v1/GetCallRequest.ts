// Original file: proto/toolgate/v1/gateway.proto


export interface GetCallRequest {
  'callId'?: (string);
}

export interface GetCallRequest__Output {
  'callId': (string);
}
