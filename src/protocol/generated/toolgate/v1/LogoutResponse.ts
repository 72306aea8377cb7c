// Original file: proto/toolgate/v1/access.proto


export interface LogoutResponse {
}

export interface LogoutResponse__Output {
}
