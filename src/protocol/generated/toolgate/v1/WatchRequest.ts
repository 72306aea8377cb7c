// Original file: proto/toolgate/v1/catalog.proto


export interface WatchRequest {
  'revision'?: (string);
  'toolsets'?: (string)[];
}

export interface WatchRequest__Output {
  'revision': (string);
  'toolsets': (string)[];
}
