// Original file: proto/toolgate/v1/documents.proto


export interface DocumentRef {
  'tenant'?: (string);
  'kind'?: (string);
  'name'?: (string);
}

export interface DocumentRef__Output {
  'tenant': (string);
  'kind': (string);
  'name': (string);
}
