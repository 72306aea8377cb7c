// Original file: proto/toolgate/v1/gateway.proto

import type { FieldViolation as _toolgate_v1_FieldViolation, FieldViolation__Output as _toolgate_v1_FieldViolation__Output } from '../../toolgate/v1/FieldViolation.js';
import type { ErrorOrigin as _toolgate_v1_ErrorOrigin, ErrorOrigin__Output as _toolgate_v1_ErrorOrigin__Output } from '../../toolgate/v1/ErrorOrigin.js';
import type { ErrorMetadata as _toolgate_v1_ErrorMetadata, ErrorMetadata__Output as _toolgate_v1_ErrorMetadata__Output } from '../../toolgate/v1/ErrorMetadata.js';

export interface CallError {
  'reason'?: (string);
  'message'?: (string);
  'detailsJson'?: (Buffer | Uint8Array | string);
  'grpcCode'?: (number);
  'retryAfterMs'?: (number);
  'violations'?: (_toolgate_v1_FieldViolation)[];
  'origin'?: (_toolgate_v1_ErrorOrigin);
  'metadata'?: (_toolgate_v1_ErrorMetadata)[];
}

export interface CallError__Output {
  'reason': (string);
  'message': (string);
  'detailsJson': (Buffer);
  'grpcCode': (number);
  'retryAfterMs': (number);
  'violations': (_toolgate_v1_FieldViolation__Output)[];
  'origin': (_toolgate_v1_ErrorOrigin__Output);
  'metadata': (_toolgate_v1_ErrorMetadata__Output)[];
}
