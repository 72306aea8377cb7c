// Original file: proto/toolgate/v1/registry.proto


export interface ToolError {
  'reason'?: (string);
  'message'?: (string);
  'detailsJson'?: (Buffer | Uint8Array | string);
  'outcomeUnknown'?: (boolean);
}

export interface ToolError__Output {
  'reason': (string);
  'message': (string);
  'detailsJson': (Buffer);
  'outcomeUnknown': (boolean);
}
