// Original file: proto/toolgate/v1/documents.proto

import type { DocumentRef as _toolgate_v1_DocumentRef, DocumentRef__Output as _toolgate_v1_DocumentRef__Output } from '../../toolgate/v1/DocumentRef.js';
import type { Long } from '@grpc/proto-loader';

export interface DocumentOutcome {
  'ref'?: (_toolgate_v1_DocumentRef | null);
  'outcome'?: (string);
  'revision'?: (number | string | Long);
  'differences'?: (string)[];
}

export interface DocumentOutcome__Output {
  'ref': (_toolgate_v1_DocumentRef__Output | null);
  'outcome': (string);
  'revision': (number);
  'differences': (string)[];
}
