// Original file: proto/toolgate/v1/contract.proto


export interface ToolAnnotations {
  'readOnlyHint'?: (boolean);
  'destructiveHint'?: (boolean);
  'idempotentHint'?: (boolean);
  'openWorldHint'?: (boolean);
  '_readOnlyHint'?: "readOnlyHint";
  '_destructiveHint'?: "destructiveHint";
  '_idempotentHint'?: "idempotentHint";
  '_openWorldHint'?: "openWorldHint";
}

export interface ToolAnnotations__Output {
  'readOnlyHint'?: (boolean);
  'destructiveHint'?: (boolean);
  'idempotentHint'?: (boolean);
  'openWorldHint'?: (boolean);
  '_readOnlyHint'?: "readOnlyHint";
  '_destructiveHint'?: "destructiveHint";
  '_idempotentHint'?: "idempotentHint";
  '_openWorldHint'?: "openWorldHint";
}
