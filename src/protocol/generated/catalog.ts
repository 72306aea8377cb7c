import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { CatalogClient as _toolgate_v1_CatalogClient, CatalogDefinition as _toolgate_v1_CatalogDefinition } from './toolgate/v1/Catalog.js';
import type { Change as _toolgate_v1_Change, Change__Output as _toolgate_v1_Change__Output } from './toolgate/v1/Change.js';
import type { Contract as _toolgate_v1_Contract, Contract__Output as _toolgate_v1_Contract__Output } from './toolgate/v1/Contract.js';
import type { Epoch as _toolgate_v1_Epoch, Epoch__Output as _toolgate_v1_Epoch__Output } from './toolgate/v1/Epoch.js';
import type { GetRegistryRequest as _toolgate_v1_GetRegistryRequest, GetRegistryRequest__Output as _toolgate_v1_GetRegistryRequest__Output } from './toolgate/v1/GetRegistryRequest.js';
import type { GetRegistryResponse as _toolgate_v1_GetRegistryResponse, GetRegistryResponse__Output as _toolgate_v1_GetRegistryResponse__Output } from './toolgate/v1/GetRegistryResponse.js';
import type { GetToolsetRequest as _toolgate_v1_GetToolsetRequest, GetToolsetRequest__Output as _toolgate_v1_GetToolsetRequest__Output } from './toolgate/v1/GetToolsetRequest.js';
import type { GetToolsetResponse as _toolgate_v1_GetToolsetResponse, GetToolsetResponse__Output as _toolgate_v1_GetToolsetResponse__Output } from './toolgate/v1/GetToolsetResponse.js';
import type { Health as _toolgate_v1_Health, Health__Output as _toolgate_v1_Health__Output } from './toolgate/v1/Health.js';
import type { Limits as _toolgate_v1_Limits, Limits__Output as _toolgate_v1_Limits__Output } from './toolgate/v1/Limits.js';
import type { ListToolsetsRequest as _toolgate_v1_ListToolsetsRequest, ListToolsetsRequest__Output as _toolgate_v1_ListToolsetsRequest__Output } from './toolgate/v1/ListToolsetsRequest.js';
import type { ListToolsetsResponse as _toolgate_v1_ListToolsetsResponse, ListToolsetsResponse__Output as _toolgate_v1_ListToolsetsResponse__Output } from './toolgate/v1/ListToolsetsResponse.js';
import type { NodeInfo as _toolgate_v1_NodeInfo, NodeInfo__Output as _toolgate_v1_NodeInfo__Output } from './toolgate/v1/NodeInfo.js';
import type { QuarantinedToolset as _toolgate_v1_QuarantinedToolset, QuarantinedToolset__Output as _toolgate_v1_QuarantinedToolset__Output } from './toolgate/v1/QuarantinedToolset.js';
import type { SearchHit as _toolgate_v1_SearchHit, SearchHit__Output as _toolgate_v1_SearchHit__Output } from './toolgate/v1/SearchHit.js';
import type { SearchRequest as _toolgate_v1_SearchRequest, SearchRequest__Output as _toolgate_v1_SearchRequest__Output } from './toolgate/v1/SearchRequest.js';
import type { SearchResponse as _toolgate_v1_SearchResponse, SearchResponse__Output as _toolgate_v1_SearchResponse__Output } from './toolgate/v1/SearchResponse.js';
import type { Snapshot as _toolgate_v1_Snapshot, Snapshot__Output as _toolgate_v1_Snapshot__Output } from './toolgate/v1/Snapshot.js';
import type { Tool as _toolgate_v1_Tool, Tool__Output as _toolgate_v1_Tool__Output } from './toolgate/v1/Tool.js';
import type { ToolAnnotations as _toolgate_v1_ToolAnnotations, ToolAnnotations__Output as _toolgate_v1_ToolAnnotations__Output } from './toolgate/v1/ToolAnnotations.js';
import type { ToolsetSummary as _toolgate_v1_ToolsetSummary, ToolsetSummary__Output as _toolgate_v1_ToolsetSummary__Output } from './toolgate/v1/ToolsetSummary.js';
import type { WatchRequest as _toolgate_v1_WatchRequest, WatchRequest__Output as _toolgate_v1_WatchRequest__Output } from './toolgate/v1/WatchRequest.js';
import type { WatchResponse as _toolgate_v1_WatchResponse, WatchResponse__Output as _toolgate_v1_WatchResponse__Output } from './toolgate/v1/WatchResponse.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  toolgate: {
    v1: {
      Catalog: SubtypeConstructor<typeof grpc.Client, _toolgate_v1_CatalogClient> & { service: _toolgate_v1_CatalogDefinition }
      Change: MessageTypeDefinition<_toolgate_v1_Change, _toolgate_v1_Change__Output>
      ChangeKind: EnumTypeDefinition
      Contract: MessageTypeDefinition<_toolgate_v1_Contract, _toolgate_v1_Contract__Output>
      DeliveryMode: EnumTypeDefinition
      Epoch: MessageTypeDefinition<_toolgate_v1_Epoch, _toolgate_v1_Epoch__Output>
      EpochState: EnumTypeDefinition
      GetRegistryRequest: MessageTypeDefinition<_toolgate_v1_GetRegistryRequest, _toolgate_v1_GetRegistryRequest__Output>
      GetRegistryResponse: MessageTypeDefinition<_toolgate_v1_GetRegistryResponse, _toolgate_v1_GetRegistryResponse__Output>
      GetToolsetRequest: MessageTypeDefinition<_toolgate_v1_GetToolsetRequest, _toolgate_v1_GetToolsetRequest__Output>
      GetToolsetResponse: MessageTypeDefinition<_toolgate_v1_GetToolsetResponse, _toolgate_v1_GetToolsetResponse__Output>
      Health: MessageTypeDefinition<_toolgate_v1_Health, _toolgate_v1_Health__Output>
      HealthFilter: EnumTypeDefinition
      Limits: MessageTypeDefinition<_toolgate_v1_Limits, _toolgate_v1_Limits__Output>
      ListToolsetsRequest: MessageTypeDefinition<_toolgate_v1_ListToolsetsRequest, _toolgate_v1_ListToolsetsRequest__Output>
      ListToolsetsResponse: MessageTypeDefinition<_toolgate_v1_ListToolsetsResponse, _toolgate_v1_ListToolsetsResponse__Output>
      NodeInfo: MessageTypeDefinition<_toolgate_v1_NodeInfo, _toolgate_v1_NodeInfo__Output>
      QuarantinedToolset: MessageTypeDefinition<_toolgate_v1_QuarantinedToolset, _toolgate_v1_QuarantinedToolset__Output>
      SearchHit: MessageTypeDefinition<_toolgate_v1_SearchHit, _toolgate_v1_SearchHit__Output>
      SearchRequest: MessageTypeDefinition<_toolgate_v1_SearchRequest, _toolgate_v1_SearchRequest__Output>
      SearchResponse: MessageTypeDefinition<_toolgate_v1_SearchResponse, _toolgate_v1_SearchResponse__Output>
      Snapshot: MessageTypeDefinition<_toolgate_v1_Snapshot, _toolgate_v1_Snapshot__Output>
      Tool: MessageTypeDefinition<_toolgate_v1_Tool, _toolgate_v1_Tool__Output>
      ToolAnnotations: MessageTypeDefinition<_toolgate_v1_ToolAnnotations, _toolgate_v1_ToolAnnotations__Output>
      ToolsetSummary: MessageTypeDefinition<_toolgate_v1_ToolsetSummary, _toolgate_v1_ToolsetSummary__Output>
      WatchRequest: MessageTypeDefinition<_toolgate_v1_WatchRequest, _toolgate_v1_WatchRequest__Output>
      WatchResponse: MessageTypeDefinition<_toolgate_v1_WatchResponse, _toolgate_v1_WatchResponse__Output>
    }
  }
}

