// Original file: proto/toolgate/v1/catalog.proto


export interface SearchHit {
  'toolset'?: (string);
  'tool'?: (string);
  'score'?: (number | string);
  'title'?: (string);
  'description'?: (string);
  'healthy'?: (boolean);
}

export interface SearchHit__Output {
  'toolset': (string);
  'tool': (string);
  'score': (number);
  'title': (string);
  'description': (string);
  'healthy': (boolean);
}
