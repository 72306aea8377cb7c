// Original file: proto/toolgate/v1/access.proto


export interface LogoutRequest {
}

export interface LogoutRequest__Output {
}
