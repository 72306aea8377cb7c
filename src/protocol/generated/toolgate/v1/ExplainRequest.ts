// Original file: proto/toolgate/v1/access.proto


export interface ExplainRequest {
  'principal'?: (string);
  'roles'?: (string)[];
  'toolset'?: (string);
  'tool'?: (string);
  'payloadJson'?: (Buffer | Uint8Array | string);
}

export interface ExplainRequest__Output {
  'principal': (string);
  'roles': (string)[];
  'toolset': (string);
  'tool': (string);
  'payloadJson': (Buffer);
}
