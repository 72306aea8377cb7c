// Original file: proto/toolgate/v1/contract.proto

import type { ToolAnnotations as _toolgate_v1_ToolAnnotations, ToolAnnotations__Output as _toolgate_v1_ToolAnnotations__Output } from '../../toolgate/v1/ToolAnnotations.js';
import type { DeliveryMode as _toolgate_v1_DeliveryMode, DeliveryMode__Output as _toolgate_v1_DeliveryMode__Output } from '../../toolgate/v1/DeliveryMode.js';

export interface Tool {
  'name'?: (string);
  'title'?: (string);
  'description'?: (string);
  'tags'?: (string)[];
  'payloadSchemaJson'?: (Buffer | Uint8Array | string);
  'resultSchemaJson'?: (Buffer | Uint8Array | string);
  'annotations'?: (_toolgate_v1_ToolAnnotations | null);
  'delivery'?: (_toolgate_v1_DeliveryMode);
  'timeoutMs'?: (number);
  'metaJson'?: (Buffer | Uint8Array | string);
}

export interface Tool__Output {
  'name': (string);
  'title': (string);
  'description': (string);
  'tags': (string)[];
  'payloadSchemaJson': (Buffer);
  'resultSchemaJson': (Buffer);
  'annotations': (_toolgate_v1_ToolAnnotations__Output | null);
  'delivery': (_toolgate_v1_DeliveryMode__Output);
  'timeoutMs': (number);
  'metaJson': (Buffer);
}
