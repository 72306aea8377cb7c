// Original file: proto/toolgate/v1/catalog.proto

import type { SearchHit as _toolgate_v1_SearchHit, SearchHit__Output as _toolgate_v1_SearchHit__Output } from '../../toolgate/v1/SearchHit.js';

export interface SearchResponse {
  'hits'?: (_toolgate_v1_SearchHit)[];
  'nextPageToken'?: (string);
  'stale'?: (boolean);
}

export interface SearchResponse__Output {
  'hits': (_toolgate_v1_SearchHit__Output)[];
  'nextPageToken': (string);
  'stale': (boolean);
}
