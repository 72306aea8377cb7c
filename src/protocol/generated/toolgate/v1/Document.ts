// Original file: proto/toolgate/v1/documents.proto

import type { DocumentRef as _toolgate_v1_DocumentRef, DocumentRef__Output as _toolgate_v1_DocumentRef__Output } from '../../toolgate/v1/DocumentRef.js';
import type { UnjudgedConditions as _toolgate_v1_UnjudgedConditions, UnjudgedConditions__Output as _toolgate_v1_UnjudgedConditions__Output } from '../../toolgate/v1/UnjudgedConditions.js';
import type { Long } from '@grpc/proto-loader';

export interface Document {
  'ref'?: (_toolgate_v1_DocumentRef | null);
  'revision'?: (number | string | Long);
  'writtenAtMs'?: (number | string | Long);
  'author'?: (string);
  'reason'?: (string);
  'bodyJson'?: (Buffer | Uint8Array | string);
  'removed'?: (boolean);
  'unreadable'?: (string);
  'unjudged'?: (_toolgate_v1_UnjudgedConditions | null);
}

export interface Document__Output {
  'ref': (_toolgate_v1_DocumentRef__Output | null);
  'revision': (number);
  'writtenAtMs': (number);
  'author': (string);
  'reason': (string);
  'bodyJson': (Buffer);
  'removed': (boolean);
  'unreadable': (string);
  'unjudged': (_toolgate_v1_UnjudgedConditions__Output | null);
}
