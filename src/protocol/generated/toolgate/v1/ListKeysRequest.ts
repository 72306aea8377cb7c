// Original file: proto/toolgate/v1/access.proto


export interface ListKeysRequest {
  'tenant'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListKeysRequest__Output {
  'tenant': (string);
  'pageSize': (number);
  'pageToken': (string);
}
