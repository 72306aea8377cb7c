// Original file: proto/toolgate/v1/dead_calls.proto


export interface ListDeadCallsRequest {
  'toolset'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListDeadCallsRequest__Output {
  'toolset': (string);
  'pageSize': (number);
  'pageToken': (string);
}
