using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mahavishnu.Migration.Tests.Sources;

/// <summary>A write lock on a whole file that even this process meets as if another one held it: an open file description lock of Linux.</summary>
internal sealed partial class ForeignLock : IDisposable
{
    private const int SetLock = 37; // F_OFD_SETLK
    private const short WriteLock = 1; // F_WRLCK

    private readonly FileStream _file;

    private ForeignLock(FileStream file) => _file = file;

    public static ForeignLock Take(string path)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var range = new Range { Type = WriteLock };
        Assert.Equal(0, Control(file.SafeFileHandle, SetLock, ref range));
        return new ForeignLock(file);
    }

    public void Dispose() => _file.Dispose();

    // struct flock of 64-bit Linux; a length of 0 reaches to the end.
    [StructLayout(LayoutKind.Sequential)]
    private struct Range
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Process;
    }

    [DllImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(SafeFileHandle file, int command, ref Range range);
}
