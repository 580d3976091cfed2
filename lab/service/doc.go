// Package service is the real servers of the lab, and the clients of those protocols that have none elsewhere.
package service
