// Original file: proto/toolgate/v1/documents.proto

import type { DocumentRef as _toolgate_v1_DocumentRef, DocumentRef__Output as _toolgate_v1_DocumentRef__Output } from '../../toolgate/v1/DocumentRef.js';
import type { Long } from '@grpc/proto-loader';

export interface GetDocumentRequest {
  'ref'?: (_toolgate_v1_DocumentRef | null);
  'revision'?: (number | string | Long);
}

export interface GetDocumentRequest__Output {
  'ref': (_toolgate_v1_DocumentRef__Output | null);
  'revision': (number);
}
