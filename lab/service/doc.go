// Package service is the real servers of the lab, and the clients of those protocols that have none elsewhere.
//
// A server is made over a listener or packet connection that the caller has opened, in whichever network namespace it
// belongs to, and owns it from then on. Its sockets stay in that namespace; what a server dials itself goes through a
// DialFunc of the caller's, which decides the same for those. Each server is a Server: it ends by Close or with its
// context, and Close leaves no goroutine behind. Nothing is logged unless a logger is given.
//
// The protocols are real: any client that speaks them and trusts the CA gets in. The exception is the chat front: it
// has no certificate of WhatsApp's and hashes one empty string more than WhatsApp does, so only DialChat finishes its
// handshake. What a box sees of that, opening, frames and sizes up to the server's answer, is as in the real thing.
//
// What stands on which port in real life:
//
//	service         made by              ports                            source
//	web, plain      ServeHTTP            TCP 80                           RFC 9110, 4.2.1
//	web, TLS        ServeHTTPS           TCP 443                          RFC 9110, 4.2.2
//	web, QUIC       ServeHTTP3           UDP 443                          RFC 9114, 3.1 (announced by Alt-Svc)
//	tunnel          ServeTunnel          TCP 443                          choice: it hides as a site
//	chat            ServeChat            TCP 443, 5222, 80                B44
//	chat, others    ServeChat            TCP 4244, 5223-5228, 5242,       B44 (ports that users had to cover;
//	                                     50318, 59234                     what speaks there is not known)
//	chat's proxy    Forward              as the chat's and the web's      B44 (WhatsApp/proxy#450)
//	web client      ServeHTTPS           TCP 443, web.whatsapp.com        B44
//	media files     ServeHTTPS           TCP 443, mmg.whatsapp.net        B44
//	calls           Relay                UDP 3478-3482, 3484, 3488, 3489, B44 (Flowseal PR8553)
//	                                     3491-3493, 3495-3497
//	Telegram calls  Relay                UDP 596, 597, 1400               B28 (FLOW#6148)
//	WireGuard       RespondWireGuard     UDP 51820                        choice: what its manual uses; a stand-in, no VPN
//	DNS             ServeDNS             UDP and TCP 53                   RFC 1035, 4.2; RFC 7766
//	DNS over TLS    ServeDNS on a TLS    TCP 853                          RFC 7858
//	                listener
//
// B numbers are sections of the project's specification of the box.
package service
