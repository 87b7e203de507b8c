/* The smallest program to start: static, does nothing. */
int main(void) { return 0; }
