// Original file: proto/toolgate/v1/documents.proto

import type { Document as _toolgate_v1_Document, Document__Output as _toolgate_v1_Document__Output } from '../../toolgate/v1/Document.js';

export interface ListRevisionsResponse {
  'revisions'?: (_toolgate_v1_Document)[];
}

export interface ListRevisionsResponse__Output {
  'revisions': (_toolgate_v1_Document__Output)[];
}
