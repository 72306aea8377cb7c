// Original file: proto/toolgate/v1/dead_calls.proto


export interface GetDeadCallRequest {
  'toolset'?: (string);
  'id'?: (string);
}

export interface GetDeadCallRequest__Output {
  'toolset': (string);
  'id': (string);
}
