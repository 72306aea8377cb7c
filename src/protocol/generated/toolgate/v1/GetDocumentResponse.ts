// Original file: proto/toolgate/v1/documents.proto

import type { Document as _toolgate_v1_Document, Document__Output as _toolgate_v1_Document__Output } from '../../toolgate/v1/Document.js';

export interface GetDocumentResponse {
  'document'?: (_toolgate_v1_Document | null);
}

export interface GetDocumentResponse__Output {
  'document': (_toolgate_v1_Document__Output | null);
}
