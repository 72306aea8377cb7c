// Original file: proto/toolgate/v1/gateway.proto


export interface ErrorMetadata {
  'name'?: (string);
  'value'?: (string);
}

export interface ErrorMetadata__Output {
  'name': (string);
  'value': (string);
}
