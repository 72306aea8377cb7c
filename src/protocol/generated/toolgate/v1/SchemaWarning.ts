// Original file: proto/toolgate/v1/registry.proto


export interface SchemaWarning {
  'tool'?: (string);
  'path'?: (string);
  'message'?: (string);
}

export interface SchemaWarning__Output {
  'tool': (string);
  'path': (string);
  'message': (string);
}
