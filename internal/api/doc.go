// Package api is the JSON contract over HTTP: routes, who may call them, problems, and the OpenAPI document made from their types.
package api
