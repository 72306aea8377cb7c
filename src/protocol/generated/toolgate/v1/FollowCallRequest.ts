// Original file: proto/toolgate/v1/gateway.proto


export interface FollowCallRequest {
  'callId'?: (string);
  'cursor'?: (string);
}

export interface FollowCallRequest__Output {
  'callId': (string);
  'cursor': (string);
}
