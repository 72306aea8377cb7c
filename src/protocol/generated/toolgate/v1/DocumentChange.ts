// Original file: proto/toolgate/v1/documents.proto

import type { DocumentRef as _toolgate_v1_DocumentRef, DocumentRef__Output as _toolgate_v1_DocumentRef__Output } from '../../toolgate/v1/DocumentRef.js';
import type { Long } from '@grpc/proto-loader';

export interface DocumentChange {
  'ref'?: (_toolgate_v1_DocumentRef | null);
  'bodyJson'?: (Buffer | Uint8Array | string);
  'expectRevision'?: (number | string | Long);
  'restoreRevision'?: (number | string | Long);
  '_expectRevision'?: "expectRevision";
}

export interface DocumentChange__Output {
  'ref': (_toolgate_v1_DocumentRef__Output | null);
  'bodyJson': (Buffer);
  'expectRevision'?: (number);
  'restoreRevision': (number);
  '_expectRevision'?: "expectRevision";
}
