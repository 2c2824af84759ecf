// Package insight owns who may read which numbers, and how they reach people as they change: readings
// in the API's words, series, alerts, and the live hub behind dashboards.
package insight
