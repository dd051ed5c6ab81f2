/*
 * Judges every JSON file of a folder by FHIR R4 (4.0.1) with the HAPI instance validator, offline.
 * Prints one line a finding: file, severity, place, message, separated by tabs. What it prints is
 * all it says: it exits with 0 whenever it has judged every file.
 */
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;

public class ValidateFolder {
    public static void main(String[] arguments) throws Exception {
        FhirContext r4 = FhirContext.forR4Cached();
        ValidationSupportChain support = new ValidationSupportChain(
                new DefaultProfileValidationSupport(r4),
                new CommonCodeSystemsTerminologyService(r4),
                new InMemoryTerminologyServerValidationSupport(r4));
        FhirInstanceValidator rules = new FhirInstanceValidator(support);
        rules.setAnyExtensionsAllowed(true);
        rules.setErrorForUnknownProfiles(false);
        FhirValidator validator = r4.newValidator().registerValidatorModule(rules);
        List<Path> files;
        try (Stream<Path> found = Files.walk(Path.of(arguments[0]))) {
            files = found.filter(path -> path.toString().endsWith(".json")).sorted().collect(Collectors.toList());
        }
        for (Path file : files) {
            String text = Files.readString(file, StandardCharsets.UTF_8);
            for (SingleValidationMessage finding : validator.validateWithResult(text).getMessages()) {
                System.out.println(String.join("\t",
                        file.getFileName().toString(),
                        finding.getSeverity().getCode(),
                        String.valueOf(finding.getLocationString()),
                        finding.getMessage().replaceAll("\\s+", " ")));
            }
        }
        System.out.println("judged\t" + files.size());
    }
}
