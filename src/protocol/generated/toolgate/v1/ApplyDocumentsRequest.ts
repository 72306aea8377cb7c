// Original file: proto/toolgate/v1/documents.proto

import type { DocumentChange as _toolgate_v1_DocumentChange, DocumentChange__Output as _toolgate_v1_DocumentChange__Output } from '../../toolgate/v1/DocumentChange.js';

export interface ApplyDocumentsRequest {
  'changes'?: (_toolgate_v1_DocumentChange)[];
  'reason'?: (string);
  'dryRun'?: (boolean);
  'force'?: (boolean);
}

export interface ApplyDocumentsRequest__Output {
  'changes': (_toolgate_v1_DocumentChange__Output)[];
  'reason': (string);
  'dryRun': (boolean);
  'force': (boolean);
}
