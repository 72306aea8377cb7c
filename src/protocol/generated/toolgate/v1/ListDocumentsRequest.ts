// Original file: proto/toolgate/v1/documents.proto


export interface ListDocumentsRequest {
  'tenant'?: (string);
  'kind'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListDocumentsRequest__Output {
  'tenant': (string);
  'kind': (string);
  'pageSize': (number);
  'pageToken': (string);
}
