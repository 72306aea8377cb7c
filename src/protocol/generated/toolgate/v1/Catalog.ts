// Original file: proto/toolgate/v1/catalog.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GetRegistryRequest as _toolgate_v1_GetRegistryRequest, GetRegistryRequest__Output as _toolgate_v1_GetRegistryRequest__Output } from '../../toolgate/v1/GetRegistryRequest.js';
import type { GetRegistryResponse as _toolgate_v1_GetRegistryResponse, GetRegistryResponse__Output as _toolgate_v1_GetRegistryResponse__Output } from '../../toolgate/v1/GetRegistryResponse.js';
import type { GetToolsetRequest as _toolgate_v1_GetToolsetRequest, GetToolsetRequest__Output as _toolgate_v1_GetToolsetRequest__Output } from '../../toolgate/v1/GetToolsetRequest.js';
import type { GetToolsetResponse as _toolgate_v1_GetToolsetResponse, GetToolsetResponse__Output as _toolgate_v1_GetToolsetResponse__Output } from '../../toolgate/v1/GetToolsetResponse.js';
import type { ListToolsetsRequest as _toolgate_v1_ListToolsetsRequest, ListToolsetsRequest__Output as _toolgate_v1_ListToolsetsRequest__Output } from '../../toolgate/v1/ListToolsetsRequest.js';
import type { ListToolsetsResponse as _toolgate_v1_ListToolsetsResponse, ListToolsetsResponse__Output as _toolgate_v1_ListToolsetsResponse__Output } from '../../toolgate/v1/ListToolsetsResponse.js';
import type { SearchRequest as _toolgate_v1_SearchRequest, SearchRequest__Output as _toolgate_v1_SearchRequest__Output } from '../../toolgate/v1/SearchRequest.js';
import type { SearchResponse as _toolgate_v1_SearchResponse, SearchResponse__Output as _toolgate_v1_SearchResponse__Output } from '../../toolgate/v1/SearchResponse.js';
import type { WatchRequest as _toolgate_v1_WatchRequest, WatchRequest__Output as _toolgate_v1_WatchRequest__Output } from '../../toolgate/v1/WatchRequest.js';
import type { WatchResponse as _toolgate_v1_WatchResponse, WatchResponse__Output as _toolgate_v1_WatchResponse__Output } from '../../toolgate/v1/WatchResponse.js';

export interface CatalogClient extends grpc.Client {
  GetRegistry(argument: _toolgate_v1_GetRegistryRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetRegistryResponse__Output>): grpc.ClientUnaryCall;
  GetRegistry(argument: _toolgate_v1_GetRegistryRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_GetRegistryResponse__Output>): grpc.ClientUnaryCall;
  GetRegistry(argument: _toolgate_v1_GetRegistryRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetRegistryResponse__Output>): grpc.ClientUnaryCall;
  GetRegistry(argument: _toolgate_v1_GetRegistryRequest, callback: grpc.requestCallback<_toolgate_v1_GetRegistryResponse__Output>): grpc.ClientUnaryCall;
  getRegistry(argument: _toolgate_v1_GetRegistryRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetRegistryResponse__Output>): grpc.ClientUnaryCall;
  getRegistry(argument: _toolgate_v1_GetRegistryRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_GetRegistryResponse__Output>): grpc.ClientUnaryCall;
  getRegistry(argument: _toolgate_v1_GetRegistryRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetRegistryResponse__Output>): grpc.ClientUnaryCall;
  getRegistry(argument: _toolgate_v1_GetRegistryRequest, callback: grpc.requestCallback<_toolgate_v1_GetRegistryResponse__Output>): grpc.ClientUnaryCall;
  
  GetToolset(argument: _toolgate_v1_GetToolsetRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetToolsetResponse__Output>): grpc.ClientUnaryCall;
  GetToolset(argument: _toolgate_v1_GetToolsetRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_GetToolsetResponse__Output>): grpc.ClientUnaryCall;
  GetToolset(argument: _toolgate_v1_GetToolsetRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetToolsetResponse__Output>): grpc.ClientUnaryCall;
  GetToolset(argument: _toolgate_v1_GetToolsetRequest, callback: grpc.requestCallback<_toolgate_v1_GetToolsetResponse__Output>): grpc.ClientUnaryCall;
  getToolset(argument: _toolgate_v1_GetToolsetRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetToolsetResponse__Output>): grpc.ClientUnaryCall;
  getToolset(argument: _toolgate_v1_GetToolsetRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_GetToolsetResponse__Output>): grpc.ClientUnaryCall;
  getToolset(argument: _toolgate_v1_GetToolsetRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetToolsetResponse__Output>): grpc.ClientUnaryCall;
  getToolset(argument: _toolgate_v1_GetToolsetRequest, callback: grpc.requestCallback<_toolgate_v1_GetToolsetResponse__Output>): grpc.ClientUnaryCall;
  
  ListToolsets(argument: _toolgate_v1_ListToolsetsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListToolsetsResponse__Output>): grpc.ClientUnaryCall;
  ListToolsets(argument: _toolgate_v1_ListToolsetsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListToolsetsResponse__Output>): grpc.ClientUnaryCall;
  ListToolsets(argument: _toolgate_v1_ListToolsetsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListToolsetsResponse__Output>): grpc.ClientUnaryCall;
  ListToolsets(argument: _toolgate_v1_ListToolsetsRequest, callback: grpc.requestCallback<_toolgate_v1_ListToolsetsResponse__Output>): grpc.ClientUnaryCall;
  listToolsets(argument: _toolgate_v1_ListToolsetsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListToolsetsResponse__Output>): grpc.ClientUnaryCall;
  listToolsets(argument: _toolgate_v1_ListToolsetsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListToolsetsResponse__Output>): grpc.ClientUnaryCall;
  listToolsets(argument: _toolgate_v1_ListToolsetsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListToolsetsResponse__Output>): grpc.ClientUnaryCall;
  listToolsets(argument: _toolgate_v1_ListToolsetsRequest, callback: grpc.requestCallback<_toolgate_v1_ListToolsetsResponse__Output>): grpc.ClientUnaryCall;
  
  Search(argument: _toolgate_v1_SearchRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_SearchResponse__Output>): grpc.ClientUnaryCall;
  Search(argument: _toolgate_v1_SearchRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_SearchResponse__Output>): grpc.ClientUnaryCall;
  Search(argument: _toolgate_v1_SearchRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_SearchResponse__Output>): grpc.ClientUnaryCall;
  Search(argument: _toolgate_v1_SearchRequest, callback: grpc.requestCallback<_toolgate_v1_SearchResponse__Output>): grpc.ClientUnaryCall;
  search(argument: _toolgate_v1_SearchRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_SearchResponse__Output>): grpc.ClientUnaryCall;
  search(argument: _toolgate_v1_SearchRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_SearchResponse__Output>): grpc.ClientUnaryCall;
  search(argument: _toolgate_v1_SearchRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_SearchResponse__Output>): grpc.ClientUnaryCall;
  search(argument: _toolgate_v1_SearchRequest, callback: grpc.requestCallback<_toolgate_v1_SearchResponse__Output>): grpc.ClientUnaryCall;
  
  Watch(argument: _toolgate_v1_WatchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_WatchResponse__Output>;
  Watch(argument: _toolgate_v1_WatchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_WatchResponse__Output>;
  watch(argument: _toolgate_v1_WatchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_WatchResponse__Output>;
  watch(argument: _toolgate_v1_WatchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_WatchResponse__Output>;
  
}

export interface CatalogHandlers extends grpc.UntypedServiceImplementation {
  GetRegistry: grpc.handleUnaryCall<_toolgate_v1_GetRegistryRequest__Output, _toolgate_v1_GetRegistryResponse>;
  
  GetToolset: grpc.handleUnaryCall<_toolgate_v1_GetToolsetRequest__Output, _toolgate_v1_GetToolsetResponse>;
  
  ListToolsets: grpc.handleUnaryCall<_toolgate_v1_ListToolsetsRequest__Output, _toolgate_v1_ListToolsetsResponse>;
  
  Search: grpc.handleUnaryCall<_toolgate_v1_SearchRequest__Output, _toolgate_v1_SearchResponse>;
  
  Watch: grpc.handleServerStreamingCall<_toolgate_v1_WatchRequest__Output, _toolgate_v1_WatchResponse>;
  
}

export interface CatalogDefinition extends grpc.ServiceDefinition {
  GetRegistry: MethodDefinition<_toolgate_v1_GetRegistryRequest, _toolgate_v1_GetRegistryResponse, _toolgate_v1_GetRegistryRequest__Output, _toolgate_v1_GetRegistryResponse__Output>
  GetToolset: MethodDefinition<_toolgate_v1_GetToolsetRequest, _toolgate_v1_GetToolsetResponse, _toolgate_v1_GetToolsetRequest__Output, _toolgate_v1_GetToolsetResponse__Output>
  ListToolsets: MethodDefinition<_toolgate_v1_ListToolsetsRequest, _toolgate_v1_ListToolsetsResponse, _toolgate_v1_ListToolsetsRequest__Output, _toolgate_v1_ListToolsetsResponse__Output>
  Search: MethodDefinition<_toolgate_v1_SearchRequest, _toolgate_v1_SearchResponse, _toolgate_v1_SearchRequest__Output, _toolgate_v1_SearchResponse__Output>
  Watch: MethodDefinition<_toolgate_v1_WatchRequest, _toolgate_v1_WatchResponse, _toolgate_v1_WatchRequest__Output, _toolgate_v1_WatchResponse__Output>
}
