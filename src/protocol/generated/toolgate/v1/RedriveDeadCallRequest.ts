// Original file: proto/toolgate/v1/dead_calls.proto


export interface RedriveDeadCallRequest {
  'toolset'?: (string);
  'id'?: (string);
}

export interface RedriveDeadCallRequest__Output {
  'toolset': (string);
  'id': (string);
}
