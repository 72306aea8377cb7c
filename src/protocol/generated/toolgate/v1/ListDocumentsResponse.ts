// Original file: proto/toolgate/v1/documents.proto

import type { Document as _toolgate_v1_Document, Document__Output as _toolgate_v1_Document__Output } from '../../toolgate/v1/Document.js';
import type { Long } from '@grpc/proto-loader';

export interface ListDocumentsResponse {
  'documents'?: (_toolgate_v1_Document)[];
  'nextPageToken'?: (string);
  'revision'?: (number | string | Long);
}

export interface ListDocumentsResponse__Output {
  'documents': (_toolgate_v1_Document__Output)[];
  'nextPageToken': (string);
  'revision': (number);
}
