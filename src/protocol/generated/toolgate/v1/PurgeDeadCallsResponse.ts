// Original file: proto/toolgate/v1/dead_calls.proto


export interface PurgeDeadCallsResponse {
  'purged'?: (number);
}

export interface PurgeDeadCallsResponse__Output {
  'purged': (number);
}
