using System.Globalization;
using System.Runtime.InteropServices;

namespace Mahavishnu.Benchmarks;

/// <summary>What the figures were measured on, in words that name no particular machine.</summary>
internal static class Machine
{
    public static string Describe()
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024.0 * 1024 * 1024);
        return string.Create(CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} cores, {memory:0} GiB, {RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture}, {RuntimeInformation.FrameworkDescription}; load before the run {Load():0.0}");
    }

    /// <summary>Largest resident size of this process so far, in MB.</summary>
    public static double PeakMemory()
    {
        // VmHWM:	  123456 kB
        var line = File.Exists("/proc/self/status") ? File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal)) : null;
        return line is null
            ? Environment.WorkingSet / 1e6
            : long.Parse(new string([.. line.Where(char.IsAsciiDigit)]), CultureInfo.InvariantCulture) * 1024 / 1e6;
    }

    /// <summary>From now on <see cref="PeakMemory"/> is the largest since now, where the system can do that.</summary>
    public static void ForgetPeakMemory()
    {
        GC.Collect();
        if (File.Exists("/proc/self/clear_refs"))
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
    }

    /// <summary>The checkout's root.</summary>
    public static string Root()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Mahavishnu.slnf")))
            {
                return at.FullName;
            }
        }

        throw new InvalidOperationException("The benchmarks run from a checkout.");
    }

    /// <summary>Processes that wanted a core, in the last minute's mean.</summary>
    public static double Load() =>
        File.Exists("/proc/loadavg") ? double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture) : double.NaN;
}
