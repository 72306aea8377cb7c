// Original file: proto/toolgate/v1/dead_calls.proto


export interface PurgeDeadCallsRequest {
  'toolset'?: (string);
  'ids'?: (string)[];
}

export interface PurgeDeadCallsRequest__Output {
  'toolset': (string);
  'ids': (string)[];
}
