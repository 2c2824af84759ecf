// Package affiliate owns who promotes what and what it earns: programs, showcases, touches, decisions and commissions.
package affiliate
