// Original file: proto/toolgate/v1/documents.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ApplyDocumentsRequest as _toolgate_v1_ApplyDocumentsRequest, ApplyDocumentsRequest__Output as _toolgate_v1_ApplyDocumentsRequest__Output } from '../../toolgate/v1/ApplyDocumentsRequest.js';
import type { ApplyDocumentsResponse as _toolgate_v1_ApplyDocumentsResponse, ApplyDocumentsResponse__Output as _toolgate_v1_ApplyDocumentsResponse__Output } from '../../toolgate/v1/ApplyDocumentsResponse.js';
import type { GetDocumentRequest as _toolgate_v1_GetDocumentRequest, GetDocumentRequest__Output as _toolgate_v1_GetDocumentRequest__Output } from '../../toolgate/v1/GetDocumentRequest.js';
import type { GetDocumentResponse as _toolgate_v1_GetDocumentResponse, GetDocumentResponse__Output as _toolgate_v1_GetDocumentResponse__Output } from '../../toolgate/v1/GetDocumentResponse.js';
import type { ListDocumentsRequest as _toolgate_v1_ListDocumentsRequest, ListDocumentsRequest__Output as _toolgate_v1_ListDocumentsRequest__Output } from '../../toolgate/v1/ListDocumentsRequest.js';
import type { ListDocumentsResponse as _toolgate_v1_ListDocumentsResponse, ListDocumentsResponse__Output as _toolgate_v1_ListDocumentsResponse__Output } from '../../toolgate/v1/ListDocumentsResponse.js';
import type { ListRevisionsRequest as _toolgate_v1_ListRevisionsRequest, ListRevisionsRequest__Output as _toolgate_v1_ListRevisionsRequest__Output } from '../../toolgate/v1/ListRevisionsRequest.js';
import type { ListRevisionsResponse as _toolgate_v1_ListRevisionsResponse, ListRevisionsResponse__Output as _toolgate_v1_ListRevisionsResponse__Output } from '../../toolgate/v1/ListRevisionsResponse.js';

export interface DocumentsClient extends grpc.Client {
  ApplyDocuments(argument: _toolgate_v1_ApplyDocumentsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ApplyDocumentsResponse__Output>): grpc.ClientUnaryCall;
  ApplyDocuments(argument: _toolgate_v1_ApplyDocumentsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ApplyDocumentsResponse__Output>): grpc.ClientUnaryCall;
  ApplyDocuments(argument: _toolgate_v1_ApplyDocumentsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ApplyDocumentsResponse__Output>): grpc.ClientUnaryCall;
  ApplyDocuments(argument: _toolgate_v1_ApplyDocumentsRequest, callback: grpc.requestCallback<_toolgate_v1_ApplyDocumentsResponse__Output>): grpc.ClientUnaryCall;
  applyDocuments(argument: _toolgate_v1_ApplyDocumentsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ApplyDocumentsResponse__Output>): grpc.ClientUnaryCall;
  applyDocuments(argument: _toolgate_v1_ApplyDocumentsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ApplyDocumentsResponse__Output>): grpc.ClientUnaryCall;
  applyDocuments(argument: _toolgate_v1_ApplyDocumentsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ApplyDocumentsResponse__Output>): grpc.ClientUnaryCall;
  applyDocuments(argument: _toolgate_v1_ApplyDocumentsRequest, callback: grpc.requestCallback<_toolgate_v1_ApplyDocumentsResponse__Output>): grpc.ClientUnaryCall;
  
  GetDocument(argument: _toolgate_v1_GetDocumentRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetDocumentResponse__Output>): grpc.ClientUnaryCall;
  GetDocument(argument: _toolgate_v1_GetDocumentRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_GetDocumentResponse__Output>): grpc.ClientUnaryCall;
  GetDocument(argument: _toolgate_v1_GetDocumentRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetDocumentResponse__Output>): grpc.ClientUnaryCall;
  GetDocument(argument: _toolgate_v1_GetDocumentRequest, callback: grpc.requestCallback<_toolgate_v1_GetDocumentResponse__Output>): grpc.ClientUnaryCall;
  getDocument(argument: _toolgate_v1_GetDocumentRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetDocumentResponse__Output>): grpc.ClientUnaryCall;
  getDocument(argument: _toolgate_v1_GetDocumentRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_GetDocumentResponse__Output>): grpc.ClientUnaryCall;
  getDocument(argument: _toolgate_v1_GetDocumentRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetDocumentResponse__Output>): grpc.ClientUnaryCall;
  getDocument(argument: _toolgate_v1_GetDocumentRequest, callback: grpc.requestCallback<_toolgate_v1_GetDocumentResponse__Output>): grpc.ClientUnaryCall;
  
  ListDocuments(argument: _toolgate_v1_ListDocumentsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  ListDocuments(argument: _toolgate_v1_ListDocumentsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  ListDocuments(argument: _toolgate_v1_ListDocumentsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  ListDocuments(argument: _toolgate_v1_ListDocumentsRequest, callback: grpc.requestCallback<_toolgate_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  listDocuments(argument: _toolgate_v1_ListDocumentsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  listDocuments(argument: _toolgate_v1_ListDocumentsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  listDocuments(argument: _toolgate_v1_ListDocumentsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  listDocuments(argument: _toolgate_v1_ListDocumentsRequest, callback: grpc.requestCallback<_toolgate_v1_ListDocumentsResponse__Output>): grpc.ClientUnaryCall;
  
  ListRevisions(argument: _toolgate_v1_ListRevisionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListRevisionsResponse__Output>): grpc.ClientUnaryCall;
  ListRevisions(argument: _toolgate_v1_ListRevisionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListRevisionsResponse__Output>): grpc.ClientUnaryCall;
  ListRevisions(argument: _toolgate_v1_ListRevisionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListRevisionsResponse__Output>): grpc.ClientUnaryCall;
  ListRevisions(argument: _toolgate_v1_ListRevisionsRequest, callback: grpc.requestCallback<_toolgate_v1_ListRevisionsResponse__Output>): grpc.ClientUnaryCall;
  listRevisions(argument: _toolgate_v1_ListRevisionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListRevisionsResponse__Output>): grpc.ClientUnaryCall;
  listRevisions(argument: _toolgate_v1_ListRevisionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListRevisionsResponse__Output>): grpc.ClientUnaryCall;
  listRevisions(argument: _toolgate_v1_ListRevisionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListRevisionsResponse__Output>): grpc.ClientUnaryCall;
  listRevisions(argument: _toolgate_v1_ListRevisionsRequest, callback: grpc.requestCallback<_toolgate_v1_ListRevisionsResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface DocumentsHandlers extends grpc.UntypedServiceImplementation {
  ApplyDocuments: grpc.handleUnaryCall<_toolgate_v1_ApplyDocumentsRequest__Output, _toolgate_v1_ApplyDocumentsResponse>;
  
  GetDocument: grpc.handleUnaryCall<_toolgate_v1_GetDocumentRequest__Output, _toolgate_v1_GetDocumentResponse>;
  
  ListDocuments: grpc.handleUnaryCall<_toolgate_v1_ListDocumentsRequest__Output, _toolgate_v1_ListDocumentsResponse>;
  
  ListRevisions: grpc.handleUnaryCall<_toolgate_v1_ListRevisionsRequest__Output, _toolgate_v1_ListRevisionsResponse>;
  
}

export interface DocumentsDefinition extends grpc.ServiceDefinition {
  ApplyDocuments: MethodDefinition<_toolgate_v1_ApplyDocumentsRequest, _toolgate_v1_ApplyDocumentsResponse, _toolgate_v1_ApplyDocumentsRequest__Output, _toolgate_v1_ApplyDocumentsResponse__Output>
  GetDocument: MethodDefinition<_toolgate_v1_GetDocumentRequest, _toolgate_v1_GetDocumentResponse, _toolgate_v1_GetDocumentRequest__Output, _toolgate_v1_GetDocumentResponse__Output>
  ListDocuments: MethodDefinition<_toolgate_v1_ListDocumentsRequest, _toolgate_v1_ListDocumentsResponse, _toolgate_v1_ListDocumentsRequest__Output, _toolgate_v1_ListDocumentsResponse__Output>
  ListRevisions: MethodDefinition<_toolgate_v1_ListRevisionsRequest, _toolgate_v1_ListRevisionsResponse, _toolgate_v1_ListRevisionsRequest__Output, _toolgate_v1_ListRevisionsResponse__Output>
}
