// Original file: proto/toolgate/v1/registry.proto

import type { ToolError as _toolgate_v1_ToolError, ToolError__Output as _toolgate_v1_ToolError__Output } from '../../toolgate/v1/ToolError.js';
import type { ToolCancelled as _toolgate_v1_ToolCancelled, ToolCancelled__Output as _toolgate_v1_ToolCancelled__Output } from '../../toolgate/v1/ToolCancelled.js';

export interface ProviderResult {
  'callId'?: (string);
  'attempt'?: (number);
  'resultJson'?: (Buffer | Uint8Array | string);
  'error'?: (_toolgate_v1_ToolError | null);
  'cancelled'?: (_toolgate_v1_ToolCancelled | null);
  'lostNodes'?: (number);
  'outcome'?: "resultJson"|"error"|"cancelled";
}

export interface ProviderResult__Output {
  'callId': (string);
  'attempt': (number);
  'resultJson'?: (Buffer);
  'error'?: (_toolgate_v1_ToolError__Output | null);
  'cancelled'?: (_toolgate_v1_ToolCancelled__Output | null);
  'lostNodes': (number);
  'outcome'?: "resultJson"|"error"|"cancelled";
}
