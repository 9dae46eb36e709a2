/* Wine 8 has no bcryptprimitives.dll, which every Rust program asks for randomness. On Windows it is part of the system; this one is only
   for trying the program under wine, and asks wine's own generator. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    while (length > 0) {
        ULONG now = length > 0x10000 ? 0x10000 : (ULONG)length;
        if (!SystemFunction036(buffer, now))
            return FALSE;
        buffer += now;
        length -= now;
    }
    return TRUE;
}
