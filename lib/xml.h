/*
 * What AWS answers in XML, read tag by tag: enough for its few flat answers.
 */
#ifndef RSW_XML_H
#define RSW_XML_H

/* The text of the first <tag> in an XML text at or after *at, decoded, and
 * *at moves behind it; NULL if there is none. Freed by the caller. */
char *xml_text(const char **at, const char *tag);

#endif
