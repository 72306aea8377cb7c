import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ApplyDocumentsRequest as _toolgate_v1_ApplyDocumentsRequest, ApplyDocumentsRequest__Output as _toolgate_v1_ApplyDocumentsRequest__Output } from './toolgate/v1/ApplyDocumentsRequest.js';
import type { ApplyDocumentsResponse as _toolgate_v1_ApplyDocumentsResponse, ApplyDocumentsResponse__Output as _toolgate_v1_ApplyDocumentsResponse__Output } from './toolgate/v1/ApplyDocumentsResponse.js';
import type { Document as _toolgate_v1_Document, Document__Output as _toolgate_v1_Document__Output } from './toolgate/v1/Document.js';
import type { DocumentChange as _toolgate_v1_DocumentChange, DocumentChange__Output as _toolgate_v1_DocumentChange__Output } from './toolgate/v1/DocumentChange.js';
import type { DocumentFinding as _toolgate_v1_DocumentFinding, DocumentFinding__Output as _toolgate_v1_DocumentFinding__Output } from './toolgate/v1/DocumentFinding.js';
import type { DocumentOutcome as _toolgate_v1_DocumentOutcome, DocumentOutcome__Output as _toolgate_v1_DocumentOutcome__Output } from './toolgate/v1/DocumentOutcome.js';
import type { DocumentRef as _toolgate_v1_DocumentRef, DocumentRef__Output as _toolgate_v1_DocumentRef__Output } from './toolgate/v1/DocumentRef.js';
import type { DocumentsClient as _toolgate_v1_DocumentsClient, DocumentsDefinition as _toolgate_v1_DocumentsDefinition } from './toolgate/v1/Documents.js';
import type { GetDocumentRequest as _toolgate_v1_GetDocumentRequest, GetDocumentRequest__Output as _toolgate_v1_GetDocumentRequest__Output } from './toolgate/v1/GetDocumentRequest.js';
import type { GetDocumentResponse as _toolgate_v1_GetDocumentResponse, GetDocumentResponse__Output as _toolgate_v1_GetDocumentResponse__Output } from './toolgate/v1/GetDocumentResponse.js';
import type { ListDocumentsRequest as _toolgate_v1_ListDocumentsRequest, ListDocumentsRequest__Output as _toolgate_v1_ListDocumentsRequest__Output } from './toolgate/v1/ListDocumentsRequest.js';
import type { ListDocumentsResponse as _toolgate_v1_ListDocumentsResponse, ListDocumentsResponse__Output as _toolgate_v1_ListDocumentsResponse__Output } from './toolgate/v1/ListDocumentsResponse.js';
import type { ListRevisionsRequest as _toolgate_v1_ListRevisionsRequest, ListRevisionsRequest__Output as _toolgate_v1_ListRevisionsRequest__Output } from './toolgate/v1/ListRevisionsRequest.js';
import type { ListRevisionsResponse as _toolgate_v1_ListRevisionsResponse, ListRevisionsResponse__Output as _toolgate_v1_ListRevisionsResponse__Output } from './toolgate/v1/ListRevisionsResponse.js';
import type { UnjudgedConditions as _toolgate_v1_UnjudgedConditions, UnjudgedConditions__Output as _toolgate_v1_UnjudgedConditions__Output } from './toolgate/v1/UnjudgedConditions.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  toolgate: {
    v1: {
      ApplyDocumentsRequest: MessageTypeDefinition<_toolgate_v1_ApplyDocumentsRequest, _toolgate_v1_ApplyDocumentsRequest__Output>
      ApplyDocumentsResponse: MessageTypeDefinition<_toolgate_v1_ApplyDocumentsResponse, _toolgate_v1_ApplyDocumentsResponse__Output>
      Document: MessageTypeDefinition<_toolgate_v1_Document, _toolgate_v1_Document__Output>
      DocumentChange: MessageTypeDefinition<_toolgate_v1_DocumentChange, _toolgate_v1_DocumentChange__Output>
      DocumentFinding: MessageTypeDefinition<_toolgate_v1_DocumentFinding, _toolgate_v1_DocumentFinding__Output>
      DocumentOutcome: MessageTypeDefinition<_toolgate_v1_DocumentOutcome, _toolgate_v1_DocumentOutcome__Output>
      DocumentRef: MessageTypeDefinition<_toolgate_v1_DocumentRef, _toolgate_v1_DocumentRef__Output>
      Documents: SubtypeConstructor<typeof grpc.Client, _toolgate_v1_DocumentsClient> & { service: _toolgate_v1_DocumentsDefinition }
      GetDocumentRequest: MessageTypeDefinition<_toolgate_v1_GetDocumentRequest, _toolgate_v1_GetDocumentRequest__Output>
      GetDocumentResponse: MessageTypeDefinition<_toolgate_v1_GetDocumentResponse, _toolgate_v1_GetDocumentResponse__Output>
      ListDocumentsRequest: MessageTypeDefinition<_toolgate_v1_ListDocumentsRequest, _toolgate_v1_ListDocumentsRequest__Output>
      ListDocumentsResponse: MessageTypeDefinition<_toolgate_v1_ListDocumentsResponse, _toolgate_v1_ListDocumentsResponse__Output>
      ListRevisionsRequest: MessageTypeDefinition<_toolgate_v1_ListRevisionsRequest, _toolgate_v1_ListRevisionsRequest__Output>
      ListRevisionsResponse: MessageTypeDefinition<_toolgate_v1_ListRevisionsResponse, _toolgate_v1_ListRevisionsResponse__Output>
      UnjudgedConditions: MessageTypeDefinition<_toolgate_v1_UnjudgedConditions, _toolgate_v1_UnjudgedConditions__Output>
    }
  }
}

