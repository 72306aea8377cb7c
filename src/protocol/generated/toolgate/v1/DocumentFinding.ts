// Original file: proto/toolgate/v1/documents.proto

import type { DocumentRef as _toolgate_v1_DocumentRef, DocumentRef__Output as _toolgate_v1_DocumentRef__Output } from '../../toolgate/v1/DocumentRef.js';

export interface DocumentFinding {
  'ref'?: (_toolgate_v1_DocumentRef | null);
  'path'?: (string);
  'message'?: (string);
}

export interface DocumentFinding__Output {
  'ref': (_toolgate_v1_DocumentRef__Output | null);
  'path': (string);
  'message': (string);
}
