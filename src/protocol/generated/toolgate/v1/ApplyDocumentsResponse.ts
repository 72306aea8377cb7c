// Original file: proto/toolgate/v1/documents.proto

import type { DocumentOutcome as _toolgate_v1_DocumentOutcome, DocumentOutcome__Output as _toolgate_v1_DocumentOutcome__Output } from '../../toolgate/v1/DocumentOutcome.js';
import type { DocumentFinding as _toolgate_v1_DocumentFinding, DocumentFinding__Output as _toolgate_v1_DocumentFinding__Output } from '../../toolgate/v1/DocumentFinding.js';
import type { Long } from '@grpc/proto-loader';

export interface ApplyDocumentsResponse {
  'outcomes'?: (_toolgate_v1_DocumentOutcome)[];
  'findings'?: (_toolgate_v1_DocumentFinding)[];
  'revision'?: (number | string | Long);
}

export interface ApplyDocumentsResponse__Output {
  'outcomes': (_toolgate_v1_DocumentOutcome__Output)[];
  'findings': (_toolgate_v1_DocumentFinding__Output)[];
  'revision': (number);
}
